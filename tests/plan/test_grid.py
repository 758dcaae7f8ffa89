from capacity.plan.grid import Row, listing, matrix, page, wrapped


def lines(texts):
    return [t.plain for t in texts]


def test_ten_years_fit_80_columns_in_one_part():
    layout = page(80, range(2027, 2037))
    assert layout.parts == (tuple(range(2027, 2037)),)
    assert (layout.label, layout.cell) == (20, 5)


def test_years_that_do_not_fit_are_halved_evenly():
    layout = page(60, range(2027, 2037))
    assert [len(p) for p in layout.parts] == [5, 5]


def test_a_matrix_on_paper():
    layout = page(30, [2027, 2028])
    row, total = Row("quebec", {2027: "25", 2028: "50"}, {2027: "*"}), Row("all", {2028: "50"})
    told = lines(matrix(layout, "site", [row], total))
    width = layout.label
    assert told[0].split() == ["site", "2027", "2028"]
    assert told[2] == f"{'quebec':<{width}}   25*   50"
    assert told[4] == f"{'all':<{width}}    ·    50"


def test_a_long_name_wraps_behind_a_hyphen_and_keeps_its_numbers():
    assert wrapped("middle-east-north-africa", 19) == ["middle-east-north-", " africa"]
    layout = page(24, [2027])
    told = lines(matrix(layout, "", [Row("middle-east-north-africa", {2027: "171k"})]))
    assert "".join(t.strip() for t in told[2:]).startswith("middle-east-north-africa")
    assert told[-1].endswith("171k")


def test_the_last_column_wraps_to_fit():
    told = lines(listing(30, ["year", "what"], [["2027", "power supply and a pace of building"]]))
    assert told[2:] == ["2027  power supply and a pace", "      of building"]


def test_where_columns_do_not_fit_each_row_is_told():
    told = lines(listing(20, ["on", "chips", "limited by"], [["archetype-2032", "16", "ttft"]]))
    assert " ".join(t.strip() for t in told) == "archetype-2032, chips: 16, limited by: ttft"
