"""The demo's questions and their answers, written by hand: the first screens people see should read well."""

ANSWERS = {
    "Explain the difference between a mutex and a semaphore to a new colleague.": (
        "A mutex is a key to one room: whoever takes it must bring it back. A semaphore counts free places: up to N "
        "may enter, and anybody may signal that a place is free again."
    ),
    "Write a polite reply to a customer whose parcel is two weeks late.": (
        "Thank you for your patience, and I am sorry for the delay. Your parcel is with the carrier and should reach "
        "you by Friday. If it does not, we will send a replacement at no cost."
    ),
    "Summarise the causes of the 1973 oil crisis in three sentences.": (
        "In October 1973, Arab producers cut exports to countries that supported Israel in the Yom Kippur War. "
        "Western economies depended on cheap imports and had little spare capacity. A weaker dollar had already eroded "
        "the producers' income, so prices were bound to rise."
    ),
    "Which statistical test compares the medians of two small samples?": (
        "The Mann-Whitney U test is the usual choice. Strictly it compares ranks: it is about medians only when both "
        "distributions have the same shape. For paired samples, use the Wilcoxon signed-rank test."
    ),
    "Suggest five names for a bakery that opens at four in the morning.": (
        "1. First Light\n2. The Four O'Clock Loaf\n3. Dough Before Dawn\n4. Moon & Crumb\n5. Early Crust"
    ),
    "Translate into German: The meeting has been moved to Thursday afternoon.": (
        "Die Besprechung wurde auf Donnerstagnachmittag verschoben."
    ),
    "What should a good commit message contain?": (
        "A short summary in the imperative, a blank line, then why the change was needed. What changed is in the "
        "diff; what you tried and rejected is not, so mention it."
    ),
    "Give three arguments for and against a four-day week.": (
        "For: better rest, easier hiring, fewer idle meetings.\n"
        "Against: gaps in customer cover, denser days, and it is hard to reverse."
    ),
    "How does a heat pump work when it is freezing outside?": (
        "Its refrigerant boils well below zero, so even cold air warms it. Compressing the vapour raises its "
        "temperature, and the heat is given off indoors. The colder it is outside, the more electricity that takes."
    ),
    "Turn these notes into an agenda: budget, hiring, office move.": (
        "1. Budget: where we stand (15 min)\n2. Hiring: open positions (20 min)\n"
        "3. Office move: date and tasks (15 min)"
    ),
    "Describe the taste of umami to somebody who has never heard of it.": (
        "Think of a long-simmered broth, ripe tomatoes or aged cheese: a round, savoury depth that fills the mouth "
        "and stays. It is what makes a soup taste of more than salt."
    ),
    "Which questions would you ask before migrating a database?": (
        "How long may we be down? How do we go back? Who writes to it that we do not know of? Has the copy been "
        "tested with a day of real traffic?"
    ),
    "Explain why the sky is blue to a child of six.": (
        "Sunlight is made of all colours. The air bounces the blue part around far more than the red, so blue comes "
        "to your eyes from everywhere."
    ),
    "Draft an announcement for a scheduled maintenance window.": (
        "On Sunday from 02:00 to 04:00 UTC the service will be unavailable while we upgrade storage. No action is "
        "needed; jobs under way will resume by themselves."
    ),
}
"""Answers by question."""
