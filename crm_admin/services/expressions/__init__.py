"""The language in which administrators write conditions: `status = 'draft' and amount > 50000`.

A text is read into a tree (`reading`) whose names are looked up (`meaning`, `fields`, `functions`).
What comes out judges a record in memory, and selects the same records in the database (`comparing`,
`reckoning`). Every comparison is true or false, never unknown. See docs/expressions.md.
"""

from crm_admin.services.expressions.compiling import Expression, compiled
from crm_admin.services.expressions.completing import Completion, completions
from crm_admin.services.expressions.saying import said

__all__ = ["Completion", "Expression", "compiled", "completions", "said"]
