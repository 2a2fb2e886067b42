"""From an evaluated model folder to a champion: registry, gate, card, Bento."""
