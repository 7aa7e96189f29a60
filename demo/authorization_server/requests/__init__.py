"""What the endpoints share when they read a request: parameters, cookies, client, API."""
