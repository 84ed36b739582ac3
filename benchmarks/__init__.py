"""How fast the application answers, measured from outside as its users meet it."""
