from pathlib import Path

from capacity.scenario.document import BEGIN, END, keys_reference
from capacity.scenario.schema import Money, Phases, Scenario

DOCUMENT = Path(__file__).parents[2] / "docs" / "scenario.md"


def test_the_reference_names_every_key():
    text = keys_reference()
    for part in (Scenario, Phases, Money):
        for key in part.model_fields:
            assert f"| `{key}` |" in text


def test_the_document_holds_the_reference_as_generated():
    """Regenerate with: python -c "from capacity.scenario.document import *; print(keys_reference())"."""
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text.split(BEGIN)[1].split(END)[0].strip() == keys_reference()
