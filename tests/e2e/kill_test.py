"""kill -9 under load, fifty times and more on one journal, and at the end not a word that was given is broken."""

from kills import killed_under_load
from node import run


def killed_on_sqlite(welkin):
    killed_under_load(welkin, kills=50)


run([("kill -9 at random moments under load breaks no word that was given", killed_on_sqlite)])
