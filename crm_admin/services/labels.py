"""What people call the states, parts and kinds that code acts on; the catalogues translate it."""

from enum import StrEnum

from crm_admin.errors import Label
from crm_admin.i18n import N_
from crm_admin.models.contacts import Gender
from crm_admin.models.contracts import ContractKind, ContractStatus, RenewalPolicy
from crm_admin.models.customers import LifecycleStage, Part
from crm_admin.models.expenses import ExpenseStatus
from crm_admin.models.job_runs import RunState
from crm_admin.models.promotion_materials import MovementKind
from crm_admin.models.roles import Scope
from crm_admin.models.rules import Severity

#: {enumeration: {member: its English label}}
LABELS: dict[type[StrEnum], dict[StrEnum, str]] = {
    LifecycleStage: {
        LifecycleStage.PROSPECT: N_("Prospect"),
        LifecycleStage.OPPORTUNITY: N_("Opportunity customer"),
        LifecycleStage.CUSTOMER: N_("Active customer"),
        LifecycleStage.LAPSED: N_("Lapsed"),
    },
    Part: {
        Part.ACCOUNT_MANAGER: N_("Account manager"),
        Part.TECHNICAL_MANAGER: N_("Technical manager"),
        Part.CHIEF_REPRESENTATIVE: N_("Chief representative"),
    },
    Gender: {Gender.FEMALE: N_("Female"), Gender.MALE: N_("Male")},
    ContractKind: {
        ContractKind.SALE: N_("Sale"),
        ContractKind.SERVICE: N_("Service"),
        ContractKind.SUBSCRIPTION: N_("Subscription"),
        ContractKind.MEMBERSHIP: N_("Membership"),
    },
    ContractStatus: {
        ContractStatus.DRAFT: N_("Draft"),
        ContractStatus.ACTIVE: N_("In force"),
        ContractStatus.SUSPENDED: N_("Suspended"),
        ContractStatus.RENEWED: N_("Renewed"),
        ContractStatus.NOT_RENEWED: N_("Not renewed"),
        ContractStatus.TERMINATED: N_("Terminated"),
    },
    RenewalPolicy: {
        RenewalPolicy.RENEW: N_("Renew by itself"),
        RenewalPolicy.ASK: N_("Ask the owner"),
        RenewalPolicy.LAPSE: N_("Let it run out"),
    },
    ExpenseStatus: {
        ExpenseStatus.DRAFT: N_("Draft"),
        ExpenseStatus.SUBMITTED: N_("Submitted"),
        ExpenseStatus.APPROVED: N_("Approved"),
        ExpenseStatus.REJECTED: N_("Rejected"),
        ExpenseStatus.PAID: N_("Paid"),
    },
    MovementKind: {
        MovementKind.RECEIVED: N_("Received"),
        MovementKind.ISSUED: N_("Issued to a person"),
        MovementKind.GIVEN: N_("Given to a customer"),
        MovementKind.RETURNED: N_("Returned"),
        MovementKind.COUNTED: N_("Counted"),
    },
    Severity: {Severity.WARN: N_("Warn"), Severity.BLOCK: N_("Block")},
    Scope: {
        Scope.OWN: N_("Own"),
        Scope.DEPARTMENT: N_("Department"),
        Scope.BELOW: N_("Department and below"),
        Scope.ALL: N_("All"),
    },
    RunState: {
        RunState.RUNNING: N_("Running"),
        RunState.DONE: N_("Done"),
        RunState.FAILED: N_("Failed"),
    },
}

#: The colour a state is shown in: good, to be watched, bad, of note, or quiet.
TONES: dict[StrEnum, str] = {
    LifecycleStage.PROSPECT: "mut",
    LifecycleStage.OPPORTUNITY: "inf",
    LifecycleStage.CUSTOMER: "ok",
    LifecycleStage.LAPSED: "bad",
    ContractStatus.DRAFT: "mut",
    ContractStatus.ACTIVE: "ok",
    ContractStatus.SUSPENDED: "warn",
    ContractStatus.RENEWED: "inf",
    ContractStatus.NOT_RENEWED: "bad",
    ContractStatus.TERMINATED: "bad",
    ExpenseStatus.DRAFT: "mut",
    ExpenseStatus.SUBMITTED: "inf",
    ExpenseStatus.APPROVED: "ok",
    ExpenseStatus.REJECTED: "bad",
    ExpenseStatus.PAID: "ok",
    RunState.RUNNING: "inf",
    RunState.DONE: "ok",
    RunState.FAILED: "bad",
}

#: What administrators call those colours.
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
    "moved": N_("Stock moved"),
    "password changed": N_("Password changed"),
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
    "attachment": N_("file"),
}

#: What the rights are called in the matrix of roles.
VERBS = {
    "view": N_("View"),
    "lookup": N_("Look up"),
    "create": N_("Create"),
    "edit": N_("Edit"),
    "delete": N_("Delete"),
    "restore": N_("Restore"),
    "export": N_("Export"),
    "import": N_("Import"),
    "assign": N_("Assign"),
    "approve": N_("Approve"),
    "pay": N_("Pay"),
    "run": N_("Run"),
}


def label_of(value: StrEnum) -> Label:
    """Return what people call a state, ready to be translated."""
    return Label(LABELS[type(value)][value])
