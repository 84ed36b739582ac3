"""Promotion materials: each movement changes the stock, and none can make it negative."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select

from crm_admin.database import db
from crm_admin.errors import Invalid, Problem
from crm_admin.i18n import N_
from crm_admin.models.promotion_materials import MaterialMovement, MovementKind, PromotionMaterial
from crm_admin.models.users import User
from crm_admin.services import records

SIGN = {
    MovementKind.RECEIVED: 1,
    MovementKind.ISSUED: -1,
    MovementKind.GIVEN: -1,
    MovementKind.RETURNED: 1,
}


@records.prepare.register
def _prepare(record: MaterialMovement, actor: User) -> None:
    """Work out what the movement does to the stock, with the material locked. Source: I7

    Raises:
        Invalid: more would leave than is there.
    """
    if record.material_id is None or record.quantity is None:
        return
    statement = select(PromotionMaterial).where(PromotionMaterial.id == record.material_id)
    locked = statement.with_for_update().execution_options(populate_existing=True)
    material = db.session.scalar(locked)
    if material is None:
        return
    if record.kind == MovementKind.COUNTED:
        record.change = record.quantity - material.stock
    else:
        record.change = SIGN[MovementKind(record.kind)] * record.quantity
    if material.stock + record.change < 0:
        message = N_("Only %(stock)s are in stock.")
        raise Invalid([Problem("quantity", message, {"stock": material.stock})])


@records.follow_up.register
def _follow_up(record: MaterialMovement, changed: Mapping[str, list[Any]], actor: User) -> None:
    """Add the movement to the stock that the material shows."""
    material = db.session.get_one(PromotionMaterial, record.material_id)
    material.stock += record.change
    records.save(material, actor, action="moved")


def counted_stock(material: PromotionMaterial) -> int:
    """Return the sum of a material's movements, which its `stock` must equal."""
    statement = select(func.coalesce(func.sum(MaterialMovement.change), 0))
    moved = statement.where(MaterialMovement.material_id == material.id)
    return db.session.scalar(moved) or 0
