"""Files that hold files: zip, tar, compressed streams, and whatever libarchive opens."""
