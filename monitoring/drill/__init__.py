"""The fire drill: faults of known strength, and how many photos pass before they are noticed."""
