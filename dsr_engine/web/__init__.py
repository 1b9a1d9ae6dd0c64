"""The web's doors: the console, the portal and the REST API, over the same workflow as the command line."""
