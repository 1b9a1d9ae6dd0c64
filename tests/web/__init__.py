"""Tests of the web: pages, portal, API, in a test client and in Chromium."""
