"""The sessions of the web application: their content, their database, and the session cookie."""
