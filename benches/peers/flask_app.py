"""The small Flask application that somebody writes who needs a fake of clients: SQLite from the standard library, a
connection a request as Flask's documentation has it, JSON.

It is durable: the log (WAL) is synced at every commit, SQLite's default, and the answer goes out after the commit."""

import os
import sqlite3

from flask import Flask, abort, g, jsonify, request, url_for

COLUMNS = (
    "id", "name", "active", "details", "highrise_id", "cache_version", "currency", "currency_symbol",
    "default_invoice_timeframe", "last_invoice_kind", "created_at", "updated_at",
)

app = Flask(__name__)


def database():
    if "database" not in g:
        g.database = sqlite3.connect(os.environ["DATABASE"])
        g.database.row_factory = sqlite3.Row
    return g.database


@app.teardown_appcontext
def close(_error):
    if "database" in g:
        g.pop("database").close()


def as_json(row):
    client = dict(row)
    client["active"] = bool(client["active"])
    return client


@app.get("/clients")
def clients():
    return jsonify([as_json(row) for row in database().execute("SELECT * FROM clients ORDER BY id")])


@app.get("/clients/<int:client_id>")
def client(client_id):
    row = database().execute("SELECT * FROM clients WHERE id = ?", (client_id,)).fetchone()
    if row is None:
        abort(404)
    return jsonify(as_json(row))


@app.post("/clients")
def create():
    sent = request.get_json()
    now = "strftime('%Y-%m-%dT%H:%M:%SZ')"
    with database() as transaction:
        cursor = transaction.execute(
            f"INSERT INTO clients (name, details, created_at, updated_at) VALUES (?, ?, {now}, {now})",
            (sent["name"], sent.get("details", "")),
        )
    return "", 201, {"Location": url_for("client", client_id=cursor.lastrowid)}


def fill(path, records):
    """Makes the database, with the records."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(
            """CREATE TABLE clients (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                name TEXT NOT NULL,
                active INTEGER NOT NULL DEFAULT 1,
                details TEXT NOT NULL DEFAULT '',
                highrise_id INTEGER,
                cache_version INTEGER NOT NULL DEFAULT 0,
                currency TEXT NOT NULL DEFAULT 'United States Dollar - USD',
                currency_symbol TEXT NOT NULL DEFAULT '$',
                default_invoice_timeframe TEXT,
                last_invoice_kind TEXT,
                created_at TEXT NOT NULL,
                updated_at TEXT NOT NULL
            )"""
        )
        named = ", ".join(f":{column}" for column in COLUMNS)
        connection.executemany(f"INSERT INTO clients ({', '.join(COLUMNS)}) VALUES ({named})", records)
    connection.close()
