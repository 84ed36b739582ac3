"""What people call colours, actions, doors and rights; the catalogues translate it.

States carry their own labels, beside them in the models.
"""

from crm_admin.errors import Label
from crm_admin.i18n import N_
from crm_admin.models.types import State

#: What administrators call the colours of states and choices.
TONE_NAMES = {
    "ok": N_("Green"),
    "warn": N_("Yellow"),
    "bad": N_("Red"),
    "inf": N_("Blue"),
    "mut": N_("Grey"),
}

#: What happened to a record, as its history says.
ACTIONS = {
    "created": N_("Created"),
    "changed": N_("Changed"),
    "deleted": N_("Moved to the recycle bin"),
    "restored": N_("Restored"),
    "loaded": N_("Loaded"),
    "submitted": N_("Submitted"),
    "approved": N_("Approved"),
    "rejected": N_("Rejected"),
    "sent back": N_("Sent back"),
    "paid": N_("Paid"),
    "repeated": N_("Repeated"),
    "made from an interaction": N_("Made from an interaction"),
    "changed with its interaction": N_("Changed with its interaction"),
    "moved": N_("Stock moved"),
    "closed": N_("Closed"),
    "closed by the system": N_("Closed by the system"),
    "corrected": N_("Correction added"),
    "reopening asked": N_("Asked to open it again"),
    "reopening refused": N_("Not opened again"),
    "reopened": N_("Opened again"),
    "handed over": N_("Handed over"),
    "handed back": N_("Handover taken back"),
    "claimed": N_("Taken from the pool"),
    "released": N_("Put back into the pool"),
    "password changed": N_("Password changed"),
    "shared": N_("Shared"),
    "share withdrawn": N_("Sharing ended"),
    "viewed as": N_("Somebody began to look as them"),
    "no longer viewed as": N_("Somebody stopped looking as them"),
    "case kept": N_("Check of rights kept"),
    "case dropped": N_("Check of rights dropped"),
    "password reset asked": N_("New password by mail asked for"),
    "password reset": N_("Password chosen by a link in a mail"),
    "invited": N_("Invited"),
    "invitation withdrawn": N_("Invitation withdrawn"),
    "invitation accepted": N_("Invitation accepted"),
    "second factor on": N_("Second factor switched on"),
    "second factor off": N_("Second factor switched off"),
    "second factor taken away": N_("Second factor taken away"),
    "recovery code used": N_("Recovery code used"),
    "recovery codes renewed": N_("Recovery codes renewed"),
    "cancelled": N_("Cancelled"),
    "accepted": N_("Invitation to an event accepted"),
    "declined": N_("Invitation to an event declined"),
    "feed made": N_("Calendar address made"),
    "feed renewed": N_("Calendar address renewed"),
    "feed ended": N_("Calendar address switched off"),
    "session ended": N_("Session ended"),
    "sessions ended": N_("All other sessions ended"),
}

#: What a history says beside the fields of the record itself.
MORE_FIELDS = {
    "shared_with": N_("Shared with"),
    "shared_until": N_("Until"),
    "may_edit": N_("May change it"),
    "case": N_("Check of rights"),
}

#: The doors by which a change comes, by the first word of its source.
SOURCES = {
    "form": N_("form"),
    "import": N_("import"),
    "job": N_("job"),
    "cli": N_("command"),
    "setup": N_("setup"),
    "demo": N_("demo data"),
    "profile": N_("own profile"),
    "sign-in": N_("sign-in"),
    "reset": N_("mail"),
    "invitation": N_("invitation"),
    "session": N_("session"),
    "attachment": N_("file"),
    "view as": N_("administration"),
    "bulk-edit": N_("bulk edit"),
}

#: What the rights are called in the matrix of roles.
VERBS = {
    "view": N_("View"),
    "lookup": N_("Look up"),
    "create": N_("Create"),
    "edit": N_("Edit"),
    "bulk_edit": N_("Bulk edit"),
    "delete": N_("Delete"),
    "restore": N_("Restore"),
    "export": N_("Export"),
    "import": N_("Import"),
    "assign": N_("Assign"),
    "share": N_("Share"),
    "claim": N_("Claim"),
    "approve": N_("Approve"),
    "pay": N_("Pay"),
    "reopen": N_("Agree to reopening"),
    "run": N_("Run"),
    "view_as": N_("View as"),
    "review": N_("Review"),
    "appraise": N_("Appraise"),
}


def label_of(value: State) -> Label:
    """Return what people call a state, ready to be translated."""
    return Label(value.label)
