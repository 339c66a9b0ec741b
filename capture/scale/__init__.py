"""How large the place is: what says it, how exactly, and whether two that say it agree."""
