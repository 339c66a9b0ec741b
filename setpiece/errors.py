"""The exceptions that Setpiece raises on purpose.

    SetpieceError               one plain sentence for the user; the CLI prints it and exits with 1
    ├── CaptureError            the photos cannot be used as they are
    ├── PoseError               the photos were read but no usable camera poses came out
    ├── TrainingError           training cannot start or go on
    ├── SetFolderError          a set folder is missing, damaged, full, read-only or in use
    ├── SplatFileError          a splat file is damaged, or no splat file at all
    └── MissingExtraError       an optional package is needed; names the pip line

A message says what was wrong, where, what was expected and found, and what to do next.
"""


class SetpieceError(Exception):
    """A failure that the user can understand and act on."""


class CaptureError(SetpieceError):
    """The photos cannot be used as they are."""


class PoseError(SetpieceError):
    """The photos were read but no usable camera poses came out."""


class TrainingError(SetpieceError):
    """Training cannot start or go on."""


class SetFolderError(SetpieceError):
    """A set folder is missing, damaged, full, read-only or in use by another process."""


class SplatFileError(SetpieceError):
    """A splat file is damaged, or no splat file at all."""


class MissingExtraError(SetpieceError):
    """An optional package is needed for what was asked."""

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(
            f"{purpose} needs an optional package. Install it with: pip install 'setpiece[{extra}]'"
        )
