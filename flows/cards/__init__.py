"""What Metaflow's cards show; each function fills the card of the current step."""
