"""Checks of a data set: photos are measured, rules applied, labels doubted."""
