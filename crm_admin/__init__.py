"""Back office for customers, contacts, contracts, promotion materials, expenses and interactions.

Read it from the bottom up; each layer imports only those below it:

    views  cli                what reaches the outside: screens and the shell
    scheduler                 the clock that starts jobs
    jobs                      work that the clock starts
    services                  what the business does: renew, transfer, save, may-see
    database                  the session, and how SQLite and PostgreSQL are opened
    models                    what the business keeps: tables and facts about one record
    errors  clock  i18n       words that all share
"""
