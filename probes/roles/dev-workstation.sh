# Evidence for the role dev-workstation. about/roles.sh comes before it.
look_for desktop '' display-manager.service gdm.service gdm3.service lightdm.service sddm.service
for program in gcc clang; do
    if command -v "$program" >/dev/null && command -v git >/dev/null; then
        line compiler "$program and git are installed"
        break
    fi
done
