// In place of framer-motion: the list of tabs, which cannot be dragged into another order. Each has a button that shows it and one
// that closes it, which no element of the role `tab` may have: they are a list of buttons.
import { createElement, forwardRef, type HTMLAttributes } from "react";

interface GroupProps extends HTMLAttributes<HTMLUListElement> {
  axis?: string;
  values?: unknown;
  onReorder?: unknown;
}
interface ItemProps extends HTMLAttributes<HTMLLIElement> {
  value?: unknown;
}

const Group = forwardRef<HTMLUListElement, GroupProps>(
  ({ axis: _axis, values: _values, onReorder: _reordered, role: _role, ...props }, ref) =>
    createElement("ul", { ...props, ref }),
);
Group.displayName = "Group";

const Item = forwardRef<HTMLLIElement, ItemProps>(
  ({ value: _value, role: _role, "aria-selected": isSelected, ...props }, ref) =>
    createElement("li", { ...props, ref, "aria-current": isSelected === true ? "true" : undefined }),
);
Item.displayName = "Item";

export const Reorder = { Group, Item };
