"""The account's store: SQLCipher, numbered migrations, one module per table family.

Used from the engine loop's thread only, synchronously, in short transactions.
"""
