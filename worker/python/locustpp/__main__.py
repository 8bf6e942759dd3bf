"""python -m locustpp"""

from .main import main

main()
