// In place of react-remove-scroll, which writes a `style` element: the page behind a dialog can be scrolled.
import { createElement, forwardRef, type ElementType, type ReactNode } from "react";

interface Props {
  as?: ElementType;
  children?: ReactNode;
  allowPinchZoom?: unknown;
  shards?: unknown;
}

export const RemoveScroll = forwardRef<unknown, Props>(
  ({ as = "div", allowPinchZoom: _pinch, shards: _shards, ...props }, ref) => createElement(as, { ...props, ref }),
);
RemoveScroll.displayName = "RemoveScroll";
