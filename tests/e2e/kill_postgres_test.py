"""kill -9 under load on PostgreSQL, where a killed node leaves a connection that may still commit what nobody
waits for any more. Fewer kills than on SQLite: a start takes longer, and most of the code is the same."""

from kills import killed_under_load
from node import run
from private_postgres import PrivatePostgres


def killed_on_postgres(welkin):
    with PrivatePostgres() as postgres:
        killed_under_load(welkin, kills=8, store_url=postgres.url)


run([("kill -9 under load breaks no word that was given on PostgreSQL either", killed_on_postgres)])
