"""Every setting and what it does. The environment overrides one as CRM_<NAME>; docs/settings.md."""

#: Where everything is kept that a running installation writes; default `instance/` beside app.py.
INSTANCE: str = ""

#: Where the data is: default SQLite's crm.db in the instance folder; PostgreSQL as
#: "postgresql+psycopg://user:password@host/name".
DATABASE_URL: str = ""

#: Signs cookies. Made once and kept in the instance folder unless it is set.
SECRET_KEY: str = ""

#: Earlier values of SECRET_KEY, separated by commas: what they sealed can still be read.
SECRET_KEY_FALLBACKS: str = ""

#: The address and port it listens on.
HOST: str = "127.0.0.1"
PORT: int = 8000

#: How many web processes; with more than one, or on PostgreSQL, gunicorn serves, else waitress.
WORKERS: int = 1
THREADS: int = 8

#: The password of the first administrator; without it a random one is made and printed once.
ADMIN_PASSWORD: str = ""

#: What the product calls itself in the frame.
PRODUCT_NAME: str = "CRM Admin"

#: The company's time zone: its days begin and end there. Default: the machine's.
TIMEZONE: str = ""

#: The language before anyone chooses: en, zh_Hans_CN or zh_Hant_TW. Default: the browser's.
LANGUAGE: str = ""

#: The company's currency, where an amount has none of its own.
CURRENCY: str = "CNY"

#: Host names that requests may name, separated by commas; empty accepts any on a closed network.
TRUSTED_HOSTS: str = ""

#: The address at which people reach it, such as "https://crm.example.com"; links in mail begin with
#: it. Without it no mail holds a link.
PUBLIC_URL: str = ""

#: How many proxies stand in front and say who really asks (X-Forwarded-For); 0 believes nobody.
TRUSTED_PROXIES: int = 0

#: Whether people reach it by HTTPS, so that cookies are sent by nothing else.
HTTPS: bool = False

#: Minutes after which an unused sign-in ends, and hours after which any does.
SESSION_IDLE_MINUTES: int = 120
SESSION_HOURS: int = 12

#: The server that takes mail to be sent; without one no mail is sent.
MAIL_HOST: str = ""
MAIL_PORT: int = 587

#: Who signs in there; empty: nobody does.
MAIL_USER: str = ""
MAIL_PASSWORD: str = ""

#: How the way to it is kept private: "starttls", "tls" or "none". Its certificate is verified.
MAIL_SECURITY: str = "starttls"

#: The address mail comes from.
MAIL_FROM: str = ""

#: The largest file that can be attached, in megabytes.
ATTACHMENT_MEGABYTES: int = 20

#: How many nightly backups are kept, and where; default `backups/` in the instance folder.
BACKUPS_KEPT: int = 14
BACKUP_FOLDER: str = ""

#: For how many past days a job that was off still sends what was due then.
CATCH_UP_DAYS: int = 7

#: How many customers one person may have when they take one from the pool; 0 for any number. A
#: user's own number goes first.
CUSTOMERS_PER_PERSON: int = 300

#: Whether somebody who comes too late for a customer is told who looks after it now.
CLAIM_NAMES_OWNER: bool = True

#: Whether what is still open at the end of its day is closed by the system, as late.
CLOSE_AT_MIDNIGHT: bool = False

#: Whether a closed interaction can be opened again, by two people and with a reason.
REOPENING: bool = False

#: How much each part counts in the score of CRM use: closed the same day, passed, complete, and
#: repaired after a reminder.
USE_WEIGHTS: str = "30 30 30 10"

#: The least that the log says: DEBUG, INFO, WARNING or ERROR.
LOG_LEVEL: str = "INFO"
