"""Golden vectors of the platform's hash rules: the first ones are the agency's examples, those under "others" are of third parties.

No person is behind any of them: they stand in the agency's documentation (DROP Data Broker API 1.2.0) and in public test suites.
"""

#: Kind, as it is written, standardised, hash.
HASHES: tuple[tuple[str, str, str, str], ...] = (
    ("email", "Anna.Smith@Domain.com", "anna.smith@domain.com", "KA18MT/ph6IHYjzT9zwETySDQyvSh87YuoSBpOQtkhE="),
    ("phone", "+1(415)555-9317", "4155559317", "vGM7y5n+hBXRSEAklhHDPCbysyNgYTmXdMcagGUOY8E="),
    ("zip", "91790-3771", "91790", "2FPZucR4x7U8KlM+SFAX4LPGhwNz/PIZUCSUdDh0o/s="),
    ("zip", "M1B 1A1", "m1b1a", "n8L9q8mVeT6Xt9/EeUNiTukGDrkbPJ3DvOEx14uElxk="),
    ("zip", " 00712345", "71234", "aeNUYKh7Xw5sqpxSbSP9eOHsj6iXewbUyavv89DIuhQ="),
    ("birth_date", "1776-07-04", "17760704", "skXYXxBER6HQTZ3rXSZH1wVGLQ054mS5rbR/bwvzy4I="),
    ("name", "Juan Pablo", "juanpablo", "91hIbrbzNeqHs3o81O5yNrXUj7wDd2shvZ6THKi9qz8="),
    ("name", "Martinez", "martinez", "2wRPGbwBNxhShjRczx8GfS2c4cjvs4NJskeWloUNtp8="),
    ("vin", "1HGCM82633A004352", "1hgcm82633a004352", "iNswy1m+0VSt8jAfFrvaiQ1R/0HAbgSwNGkwqo6QBss="),
    ("maid", "a3f1c2d4-5678-90ab-cdef-1234567890ab", "a3f1c2d4567890abcdef1234567890ab", "250KY6lOgzYUB3EHrkbDCE2kMEZQE69SF38muhoDudI="),
    ("ctvid", "SmartTV_9F8E7D6C", "smarttv9f8e7d6c", "d9fxuTIrKksBXYDlaWsvQbcyUUfCbUx7v78gd+KP+tc="),
    # others
    ("email", "danielle.johnson12@example.com", "danielle.johnson12@example.com", "mKDnDvwF2inxrKcK1hJN2TRkxPfL6kzNNTtU12eH8Bw="),
    ("phone", "+84(90)123 4567", "4901234567", "ptzVkgbv9DonwvPCHmXmJ2SEOaolSh37z3ZzY/Gmm+U="),
    ("phone", "+354(123)4567", "3541234567", "Btrzydf5K6ALAKKXJGFHSx7u5bDzHC9WlVYtpq1n2rY="),
    ("phone", "5551273811", "5551273811", "jr/RAWYVN+ODBf2vRxwBASPwiO4x27OGI1y3IDhcwLo="),
    ("zip", " 00300-9999", "300", "mDvWFLta/s5as7YCP3EUfNe2vCMU+dJ690IlQcZVg4k="),
    ("name", "O'Brien", "obrien", "tMtssz/kuGWGjeglAjoeJ5DcEqwB7MjXxa/oJUBxyLo="),
    ("name", "Mary-Jane", "maryjane", "8I9Eil56ncNhm7fBKfan1fxq8ALOoXrXHf3Bxo9NTg4="),
    ("name", "José", "jose", "HsTtA3dmqhgdiECtBLn8bhlf033twEyYpXZ6Z9N1js4="),
    ("name", "Müller", "muller", "qLH8g8uSrZC3MZN892EW72waukNvjQ0OxnPo00AirKg="),
    ("name", "Straße", "strasse", "FtlpUgh3dP7gabdYXTmRsk2QwYHAmyEptJCMNbqn8MA="),
    ("name", "Æther", "aether", "EGOFS79RVbz5/oz5tXjQ4z8ggj9nA67lRjvIikH4+aQ="),
    ("name", "ŁUKASZ", "lukasz", "1uaqm/N1tDX5/ef2QSoktDyihGVEi6Mz+l7Fdydg4mA="),
    ("name", "Ħaġar", "hagar", "t4eRwU4k1k+cWDZEcnd4ee6dGVz2d/0plpYnohl5QFs="),
    ("name", "ŊAMBI", "nambi", "a9FFmHEi6zW/WgPFCZIY3HbggcZD786bbQEytPdkeLU="),
    ("name", "ıI", "ii", "XX9JRJqyLerCLXZ7iVScVUE0yOR95NOOdIBJh1yDUDs="),
    ("name", "ĲsselMeer", "ijsselmeer", "th8PITVjuws7ka23un+CahVuMTn0UIZP0c0hASn3P6I="),
    ("name", "ÅNGSTRÖM", "angstrom", "s1cnzum/pCI/05/VMzxZkx6oQPPqX8MgYaQLNmzjUNA="),
    ("name", "Иванов", "ivanov", "XADYpQziZ5wwj1rxgLAUMCgs1snfav0OfMyQorOVVIg="),
    ("name", "Ёлкина", "yolkina", "76+cWLeQDX12pDMJWw+j6jNgjkh09RHp/1ovYf8WuMU="),
    ("name", "Щербакова", "shcherbakova", "lsADHYr3cQfIKD6Eq/o+SfsxvBHaIT7MuwP/n9sDVHQ="),
    ("name", "ЪЬЫ", "y", "ofzkNjhU/4iM/0uOeHXWAMJoI5BBKoz3mzfQsRFIsPo="),
    ("name", "Θεοδώρου", "theodoroy", "oTqNXryIuGLEAMz7fjHhP/mOztw60RTlUBKXMZ4/vSA="),
    ("name", "田中", "田中", "GAZJa8t1PCgPk0u94hpBrVeTAYcmaBwDjanPyKjIKiA="),
    ("name", "キムラ", "キムラ", "8Qqz5cJl/Y2fQSPJcnsaFOYdS92Q456G5TFQ2h0Sh40="),
    ("name", "محمد", "محمد", "DLTJshBi3k0sDt1I78n6hrl/3IpqTn+nCSVE+E4SH2E="),
    ("name", "שלום", "שלום", "t6wDmO90GTq3OLId8JEjKTA98Q2GjCusN6hKWdEsDi8="),
)

#: Kinds, as they are written, hash of the whole.
COMPOSITES: tuple[tuple[tuple[str, ...], tuple[str, ...], str], ...] = (
    (("name", "name", "birth_date", "zip"), ("Danielle", "Johnson", "1985-07-04", "91790"), "PQOfn1RffEKmqMmNAzDKKaoZCwxWbQZkQzPWmQo9REA="),
    (("name", "name", "vin"), ("Eve", "Genesis", "1HGCM82633A004352"), "rtnDuXIe63jXYQQXW5r07GJ7lSsrib8+46QuKFwkOmk="),
)
