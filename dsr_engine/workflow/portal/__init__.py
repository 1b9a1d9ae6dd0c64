"""What requesters do by themselves: asking, confirming, following, writing, downloading."""
