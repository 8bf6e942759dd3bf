# locustpp_add_worker, for the project's own workers and, installed, for those of its users.

# locustpp_add_worker(NAME locustfile.cpp...): a worker program with these locustfiles in it. Each
# defines `locust::UserClasses locustfile()`, which is given a name of its own here; -f picks one.
function(locustpp_add_worker name)
  set(declarations "")
  set(entries "")
  foreach(file ${ARGN})
    get_filename_component(stem ${file} NAME_WE)
    string(MAKE_C_IDENTIFIER "locustfile_${stem}" function)
    set_source_files_properties(${file} PROPERTIES COMPILE_DEFINITIONS "locustfile=${function}")
    string(APPEND declarations "locust::UserClasses ${function}();\n")
    list(APPEND entries "{\"${stem}\", &${function}}")
  endforeach()
  list(JOIN entries ", " entries)
  configure_file(${CMAKE_CURRENT_FUNCTION_LIST_DIR}/locustfiles_main.cpp.in
    ${CMAKE_CURRENT_BINARY_DIR}/${name}_main.cpp @ONLY)
  add_executable(${name} ${CMAKE_CURRENT_BINARY_DIR}/${name}_main.cpp ${ARGN})
  # Warnings are errors in the project's own code only.
  target_link_libraries(${name} PRIVATE locustpp::cli $<TARGET_NAME_IF_EXISTS:locustpp_flags>)
endfunction()
