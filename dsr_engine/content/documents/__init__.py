"""Documents of words and marks: XML, Office packages, HTML, RTF."""
