"""Programs that read a published state with other clients, each in an environment of its own."""
