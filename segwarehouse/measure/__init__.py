"""What a campaign has moved: those whom a run wanted contacted next to its control group."""
