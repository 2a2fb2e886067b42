"""Networks: how they are built, where their first weights come from, what they put out."""
