"""Whether the requester is the person: matching data points, codes, papers, and what they give later."""
