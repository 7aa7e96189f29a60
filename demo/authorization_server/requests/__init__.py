"""What every endpoint reads from a request: parameters, the client, the API that is asked for."""
