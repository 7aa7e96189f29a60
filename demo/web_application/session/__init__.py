"""What the web application keeps of each browser, and the cookie that finds it."""
