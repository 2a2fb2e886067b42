"""The history of our tables, one for all of them; ``sparrow.database.upgrade`` runs it.

A change of a table is a new file in ``versions``, and ``sparrow.database.HEAD`` names the newest.
A file that was released is never changed: databases have been through it. So it says what it does
in its own words and imports nothing from the code around it, which goes on changing.
"""
