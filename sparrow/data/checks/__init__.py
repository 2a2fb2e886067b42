"""Checks of a data set: photos are measured, rules applied, label-error candidates found."""
