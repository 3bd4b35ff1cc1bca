"""The texts of ``--help``: found in the commands themselves, and put into the language in use.

They are written once, in docstrings and options, in English; a catalogue holds their translations
in the context ``command line``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from features.language.language import ENGLISH, Language

HELP_CONTEXT = "command line"
EXAMPLES = "Examples:"
FRAME = {
    "ARGUMENTS_PANEL_TITLE": "Arguments",
    "OPTIONS_PANEL_TITLE": "Options",
    "COMMANDS_PANEL_TITLE": "Commands",
    "REQUIRED_LONG_STRING": "[required]",
    "DEFAULT_STRING": "[default: {}]",
}
"""What typer writes around the texts: its name in ``typer.rich_utils``, and the English."""
TYPES = ("<int>", "<int range>", "<float>", "<float range>", "<str>", "<bool>")
"""What typer calls the types of values."""
HELP_OPTION = "Show this message and exit."


def every_command(group: Any) -> Iterator[Any]:
    """The group, its commands and groups, and theirs."""
    yield group
    for command in getattr(group, "commands", {}).values():
        yield from every_command(command)


def help_messages(group: Any) -> Iterator[str]:
    """Every text that ``--help`` shows but names, metavars of our own and examples."""
    yield from FRAME.values()
    yield from (HELP_OPTION, EXAMPLES, *TYPES)
    for command in every_command(group):
        yield from (" ".join(part.split()) for part in _prose(command.help or "")[0])
        panel = getattr(command, "rich_help_panel", None)
        if isinstance(panel, str):
            yield panel
        for parameter in command.params:
            if getattr(parameter, "help", None):
                yield parameter.help


def translate_help(group: Any, language: Language) -> None:
    """Put the texts of these commands, and typer's own, into a language, in place."""
    import typer.rich_utils

    def told(text: str) -> str:
        one_line = " ".join(text.split())
        return language.pgettext(HELP_CONTEXT, one_line)

    for name, text in FRAME.items():
        setattr(typer.rich_utils, name, told(text))
    if language is ENGLISH:
        return
    for command in every_command(group):
        command.get_help_option = partial(_help_option, command.get_help_option, told)
        parts, examples = _prose(command.help or "")
        examples = [part.replace(EXAMPLES, told(EXAMPLES)) for part in examples]
        command.help = "\n\n".join([*map(told, parts), *examples])
        if isinstance(getattr(command, "rich_help_panel", None), str):
            command.rich_help_panel = told(command.rich_help_panel)
        for parameter in command.params:
            if getattr(parameter, "help", None):
                parameter.help = told(parameter.help)
            parameter.display_type_rich = partial(_type_of, parameter.display_type_rich, told)


def _help_option(original: Callable[[Any], Any], told: Callable[[str], str], context: Any) -> Any:
    """The option ``--help`` of a command, which is made when it is asked for."""
    option = original(context)
    if option is not None:
        option.help = told(HELP_OPTION)
        option.display_type_rich = partial(_type_of, option.display_type_rich, told)
    return option


def _type_of(original: Callable[..., Any], told: Callable[[str], str], ctx: Any) -> Any:
    """What is shown of the type of an option's value."""
    shown = original(ctx=ctx)
    return told(shown) if shown in TYPES else shown


def _prose(text: str) -> tuple[list[str], list[str]]:
    """(paragraphs, those from the examples on) of a command's help."""
    parts = [part for part in text.replace("\b", "").split("\n\n") if part.strip()]
    first = next((i for i, part in enumerate(parts) if EXAMPLES in part), len(parts))
    return parts[:first], parts[first:]
