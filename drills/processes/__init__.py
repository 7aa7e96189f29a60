"""The processes of the drills: the programs that run in them, and the classes that control them."""
