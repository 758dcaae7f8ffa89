import pandas as pd
import pytest

from capacity.plan.headline import amount, headline

WAGES = pd.Series([40.0, 2.5, float("nan")])
NO_LIMITS = pd.DataFrame({"limit": [], "topic": [], "year": [], "binding": [], "rhs": [], "used": [], "sense": []})


def told(short, limits=NO_LIMITS, goal="shortage", gap=0.01, served=(1e6, 2e6), wages=WAGES):
    schedule = pd.DataFrame({
        "year": [2027, 2028], "short_share": short, "instances_served": served, "usd_per_instance_hour": [0.5, 0.25],
    })
    return headline(schedule, limits, wages, pd.DataFrame({"goal": [goal], "gap": [gap]}))


def limit(topic, year, used=1.0):
    name = f"{topic} {year}"
    return {"limit": name, "topic": topic, "year": year, "binding": used == 1, "rhs": 1.0, "used": used, "sense": "<="}


def test_all_is_served():
    assert told([0.0, 0.0]) == (
        "Supply meets demand in every year. The plan peaks at 2 million instances in 2028, at $0.25 per instance-hour "
        "against nominal wages of $2.50 to $40.00 an hour."
    )


def test_a_shortage_of_one_per_cent_is_a_lump_and_more_is_not():
    assert told([0.01, 0.0]).startswith("Supply meets demand in every year but for lumps.")
    assert told([0.01, 0.0]).endswith("A lump of 1.0 % in 2027: whole phases and pods, or the gap asked for.")
    assert told([0.0101, 0.0]).startswith("Supply first falls short in 2027: 1.0 %")


def test_a_proven_optimum_leaves_no_doubt_about_lumps():
    assert told([0.005, 0.002], gap=0.0).endswith(
        "Lumps of 0.5 % in 2027, 0.2 % in 2028: whole phases and pods leave no less."
    )


def test_stated_limits_come_before_sites_and_the_worst_year_is_told():
    limits = pd.DataFrame([limit("power supply", 2027), limit("site grid", 2027), limit("site grid", 2028)])
    text = told([0.05, 0.2], limits)
    assert "5.0 % of the instance-hours asked for are not served, bound by power supply; at worst 20.0 %" in text
    assert "in 2028, bound by grid full at 1 of 1 sites." in text


def test_what_nearly_binds_is_told_where_nothing_does():
    text = told([0.05, 0.0], pd.DataFrame([limit("capex budget", 2027, 0.97)]))
    assert "are not served, near the limit: capex budget used to 97 %." in text


def test_the_most_instances_lead_where_they_are_the_goal():
    assert told([0.05, 0.0], goal="served").startswith("The plan peaks at 2 million instances in 2028")


def test_a_priced_shortage_without_a_limit_is_a_choice():
    assert "would cost more than their price" in told([0.05, 0.0], goal="cost_and_shortage")
    assert "latency, lead times or the gap asked for" in told([0.05, 0.0])


def test_peak_and_unknown_wages():
    text = told([0.0, 0.0], served=(3e6, 2e6), wages=pd.Series([float("nan")]))
    assert text.endswith("The plan peaks at 3 million instances in 2027, at $0.5 per instance-hour.")


@pytest.mark.parametrize(("value", "text"), [(950, "950"), (12_300, "12.3 thousand"), (1.02e9, "1.02 billion")])
def test_amount(value, text):
    assert amount(value) == text
