# Used only when building against the ros-* wheels from PyPI, never by colcon on a ROS machine:
#   cmake -DCMAKE_PROJECT_INCLUDE=.../wheel_fixups.cmake ...
# Two things that CMake refuses are put right at the end of the configuration:
# - the wheels' exported targets name include directories of the machine they were built on;
# - with the virtual environment inside the source tree, numpy's include directory would be
#   exported as a path of the source tree, so it is kept to the build.
function(mend_include_directories)
  get_property(imported DIRECTORY PROPERTY IMPORTED_TARGETS)
  get_property(own DIRECTORY PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS imported own)
    get_target_property(directories ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(NOT directories)
      continue()
    endif()
    set(mended "")
    foreach(directory IN LISTS directories)
      if(directory MATCHES "^\\$<")
        list(APPEND mended "${directory}")
      elseif(EXISTS "${directory}")
        list(APPEND mended "$<BUILD_INTERFACE:${directory}>")
      endif()
    endforeach()
    set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${mended}")
  endforeach()
endfunction()
cmake_language(DEFER CALL mend_include_directories)
