"""The bridge: downloads that websocket clients ask for become range tasks for the fetchers."""
