"""The report page, one file per section; each takes a Context and gives a Section."""
