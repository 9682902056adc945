"""How few labels are enough, and what carries over to a detector that was never seen."""
