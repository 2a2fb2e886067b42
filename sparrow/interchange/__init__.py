"""Counted photos in the forms that other programs read: Camtrap-DP, Label Studio, XMP, folders."""
