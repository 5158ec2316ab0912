"""InstrumentationManager, in a module of its own: importing it changes how classes are made."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext import instrumentation


class InstrumentationManager(instrumentation.InstrumentationManager):
    """How a class is instrumented, with the hook that has another name now."""

    def unregister(self, class_: type, manager: Any) -> None:
        """Call what had this task in the time."""
        self.dispose(class_, manager)

    def dispose(self, class_: type, manager: Any) -> None:
        """Take the instrumentation of a class away."""
        super().unregister(class_, manager)  # type: ignore[no-untyped-call]
