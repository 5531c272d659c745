"""The command line: one file a verb. A verb parses, calls one public function, and prints."""

from nas.commands.app import main

__all__ = ["main"]
