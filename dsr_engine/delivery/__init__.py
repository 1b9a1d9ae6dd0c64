"""What leaves the house: mail, and calls to recipients and authorities. It knows addresses and protocols, and nothing of cases."""
