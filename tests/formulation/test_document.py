from pathlib import Path

from capacity.formulation.document import formulation_reference

DOCUMENT = Path(__file__).parents[2] / "docs" / "formulation.md"


def test_every_topic_of_the_model_is_described():
    from capacity.formulation import model

    text = formulation_reference()
    source = Path(model.__file__).read_text(encoding="utf-8")
    declared = {line.split(".declare")[0].strip() for line in source.splitlines() if ".declare" in line}
    assert len(declared) > 8
    for topic in declared:
        assert f"`capacity/formulation/{topic}.py`" in text, f"{topic} states no equation"


def test_the_document_is_as_generated():
    """Regenerate: python -c "from capacity.formulation.document import *; print(formulation_reference(), end='')"."""
    assert DOCUMENT.read_text(encoding="utf-8") == formulation_reference()
