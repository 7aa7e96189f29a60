"""The pages of the web application and their routes."""
